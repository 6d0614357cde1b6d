import type { Capability } from "../linux/capabilities.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../oci/runtime-config.ts";

/**
 * Returns the profile `RuntimeDefault` for a container with these capabilities: what Docker and containerd allow by default.
 * Everything else fails with EPERM, and clone3, whose flags a filter cannot read, with ENOSYS so that programs fall back to clone.
 */
export function defaultSeccomp(capabilities: ReadonlySet<string>): Seccomp {
  const granted = CAPABILITY_CALLS.filter(({ capability }) => capabilities.has(capability));
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    architectures: ARCHITECTURES[process.arch] ?? [],
    syscalls: [
      { names: ALWAYS, action: "SCMP_ACT_ALLOW" },
      ...SOCKET_RULES,
      ...PERSONALITY_RULES,
      ...granted.map(({ names }): SeccompSyscall => ({ names, action: "SCMP_ACT_ALLOW" })),
      ...(capabilities.has("CAP_SYS_ADMIN") ? [] : CLONE_WITHOUT_NAMESPACES),
    ],
  };
}

const EPERM = 1;
const ENOSYS = 38;

// Without x32, which distributions' kernels refuse anyway: each costs 3 ms at every start.
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

const words = (text: string): string[] => text.trim().split(/\s+/);

const ALWAYS = words(`
  accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
  clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
  close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
  epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
  fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64
  fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync
  ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat getcpu getcwd
  getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername
  getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit
  get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr
  getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents
  io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule
  landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr
  listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier
  memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt mprotect
  mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink
  mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat
  _newselect open openat openat2 pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
  pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6
  pselect6_time64 ptrace process_vm_readv process_vm_writev pwrite64 pwritev pwritev2 read readahead readlink readlinkat
  readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat
  renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
  rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr
  sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp
  select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid
  setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32
  setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt
  set_thread_area set_tid_address setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack
  signalfd signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx
  symlink symlinkat sync sync_file_range sync_file_range2 syncfs sysinfo tee tgkill time timer_create timer_delete
  timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
  timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink
  unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
  arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls
`);

const CAPABILITY_CALLS: readonly { readonly capability: Capability; readonly names: readonly string[] }[] = [
  { capability: "CAP_DAC_READ_SEARCH", names: ["open_by_handle_at"] },
  {
    capability: "CAP_SYS_ADMIN",
    names: words(`
      bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
      perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare
    `),
  },
  { capability: "CAP_SYS_BOOT", names: ["reboot"] },
  { capability: "CAP_SYS_CHROOT", names: ["chroot"] },
  { capability: "CAP_SYS_MODULE", names: ["delete_module", "init_module", "finit_module"] },
  { capability: "CAP_SYS_PACCT", names: ["acct"] },
  { capability: "CAP_SYS_PTRACE", names: ["kcmp", "pidfd_getfd", "process_madvise"] },
  { capability: "CAP_SYS_RAWIO", names: ["iopl", "ioperm"] },
  { capability: "CAP_SYS_TIME", names: ["settimeofday", "stime", "clock_settime", "clock_settime64"] },
  { capability: "CAP_SYS_TTY_CONFIG", names: ["vhangup"] },
  { capability: "CAP_SYS_NICE", names: ["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"] },
  { capability: "CAP_SYSLOG", names: ["syslog"] },
  { capability: "CAP_BPF", names: ["bpf"] },
  { capability: "CAP_PERFMON", names: ["perf_event_open"] },
];

/** Arguments compared with one value; rules for one call are alternatives. */
const argument = (index: number, op: SeccompArg["op"], value: number): SeccompArg[] => [{ index, value, op }];

// AF_VSOCK reaches the hypervisor whatever network namespace one is in.
const AF_VSOCK = 40;
const SOCKET_RULES: readonly SeccompSyscall[] = [
  { names: ["socket"], action: "SCMP_ACT_ALLOW", args: argument(0, "SCMP_CMP_NE", AF_VSOCK) },
];

// PER_LINUX, PER_LINUX32, UNAME26 on top of both, and the query.
const PERSONALITIES = [0x0, 0x0008, 0x20000, 0x20008, 0xffffffff];
const PERSONALITY_RULES: readonly SeccompSyscall[] = PERSONALITIES.map((value) => ({
  names: ["personality"],
  action: "SCMP_ACT_ALLOW",
  args: argument(0, "SCMP_CMP_EQ", value),
}));

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
const NAMESPACE_FLAGS = 0x7e020000;
const CLONE_WITHOUT_NAMESPACES: readonly SeccompSyscall[] = [
  {
    names: ["clone"],
    action: "SCMP_ACT_ALLOW",
    args: [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
  },
  { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
];
