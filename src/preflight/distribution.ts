import { readFile } from "node:fs/promises";

/** What os-release(5) says about this system. */
export interface Distribution {
  /** `Debian 12`. */
  readonly title: string;
  /** `ID` first, then what it is like. */
  readonly ids: readonly string[];
}

/** Programs and plugins that a node needs, by the name they are asked for. */
export type Requirement = "runc" | "conmon" | "nft" | "CNI plugins";

/** Returns this system's distribution. */
export async function readDistribution(path = "/etc/os-release"): Promise<Distribution> {
  const text = await readFile(path, "utf8").catch(() => "");
  const values = new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1).replace(/^(["'])(.*)\1$/, "$2")];
    }),
  );
  const name = (values.get("NAME") ?? "Linux").replace(/ GNU\/Linux$/, "");
  const version = values.get("VERSION_ID");
  const ids = [values.get("ID") ?? "", ...(values.get("ID_LIKE") ?? "").split(" ")];
  return { title: version === undefined ? name : `${name} ${version}`, ids: ids.filter((id) => id !== "") };
}

/** Returns the command that installs the requirements on this distribution; undefined where its package manager is not known. */
export function installCommand(distribution: Distribution, missing: readonly Requirement[]): string | undefined {
  const manager = MANAGERS.find(({ ids }) => ids.some((id) => distribution.ids.includes(id)));
  if (manager === undefined) return undefined;
  return `${manager.install} ${missing.map((requirement) => manager.packages[requirement]).join(" ")}`;
}

interface PackageManager {
  readonly ids: readonly string[];
  readonly install: string;
  readonly packages: Readonly<Record<Requirement, string>>;
}

const COMMON = { runc: "runc", conmon: "conmon", nft: "nftables" };

const MANAGERS: readonly PackageManager[] = [
  {
    ids: ["debian", "ubuntu"],
    install: "apt-get install -y --no-install-recommends",
    packages: { ...COMMON, "CNI plugins": "containernetworking-plugins" },
  },
  {
    ids: ["fedora", "rhel", "centos"],
    install: "dnf install -y",
    packages: { ...COMMON, "CNI plugins": "containernetworking-plugins" },
  },
  { ids: ["alpine"], install: "apk add", packages: { ...COMMON, "CNI plugins": "cni-plugins" } },
  { ids: ["arch"], install: "pacman -S --needed", packages: { ...COMMON, "CNI plugins": "cni-plugins" } },
];
