/** One sentence of the documents that Berth is specified by. Scenario tests name it: `… (seed: its-id)`. */
export interface Seed {
  readonly id: string;
  readonly sentence: string;
  /** How today's Kubernetes says or does it, where that differs from the sentence. */
  readonly today?: string;
  /** The part of the plan that owns it while it has no test. */
  readonly planned?: Plan;
}

export type Plan = "pull engine" | "credentials" | "container life" | "diagnosis";

/** Every promise of the seeds, in their order; said twice, listed once. */
export const SEEDS: readonly Seed[] = [
  {
    id: "image-syntax",
    sentence:
      "The image property of a container supports the same syntax as the docker command does, including private registries and tags.",
  },
  {
    id: "policy-if-not-present",
    sentence:
      "The default pull policy is IfNotPresent which causes the Kubelet to skip pulling an image if it already exists.",
  },
  { id: "policy-always", sentence: "Set the imagePullPolicy of the container to Always." },
  { id: "policy-latest", sentence: "Use :latest as the tag for the image to use." },
  { id: "policy-admission", sentence: "Enable the AlwaysPullImages admission controller." },
  {
    id: "policy-no-tag",
    sentence:
      "If you did not specify tag of your image, it will be assumed as :latest, with pull image policy of Always correspondingly.",
  },
  {
    id: "gcr",
    sentence:
      "The kubelet will authenticate to GCR using the instance's Google service account, so it can pull from the project's GCR, but not push.",
    planned: "credentials",
  },
  {
    id: "ecr-name",
    sentence:
      "Simply use the full image name (e.g. ACCOUNT.dkr.ecr.REGION.amazonaws.com/imagename:tag) in the Pod definition.",
    planned: "credentials",
  },
  {
    id: "ecr-refresh",
    sentence: "The kubelet will fetch and periodically refresh ECR credentials.",
    planned: "credentials",
  },
  {
    id: "ecr-permissions",
    sentence: "It needs the following permissions to do this: ecr:GetAuthorizationToken … ecr:BatchGetImage.",
    planned: "credentials",
  },
  {
    id: "ecr-logs",
    sentence: "Check kubelet logs for log lines like: Registering credential provider: aws-ecr-key.",
    planned: "credentials",
  },
  { id: "kubelet-version", sentence: "You must be using kubelet version v1.2.0 or newer." },
  {
    id: "acr",
    sentence:
      "When using Azure Container Registry you can authenticate using either an admin user or a service principal.",
    planned: "credentials",
  },
  {
    id: "docker-variables",
    sentence:
      "DOCKER_USER, DOCKER_PASSWORD, DOCKER_REGISTRY_SERVER, DOCKER_EMAIL: once you have those variables filled in you can configure a Kubernetes Secret and use it to deploy a Pod.",
    planned: "credentials",
  },
  {
    id: "node-dockercfg",
    sentence:
      "Docker stores keys for private registries in the $HOME/.dockercfg or $HOME/.docker/config.json file. If you put this in the $HOME of user root on a kubelet, then docker will use it.",
    planned: "credentials",
  },
  {
    id: "node-names-template",
    sentence: "nodes=$(kubectl get nodes -o template --template='{{range.items}}{{.metadata.name}} {{end}}')",
  },
  {
    id: "node-names-jsonpath",
    sentence: "nodes=$(kubectl get nodes -o jsonpath='{range.items[*].metadata}{.name} {end}')",
  },
  {
    id: "node-ips-jsonpath",
    sentence:
      "nodes=$(kubectl get nodes -o jsonpath='{range .items[*].status.addresses[?(@.type==\"ExternalIP\")]}{.address} {end}')",
  },
  {
    id: "node-copy",
    sentence: "for n in $nodes; do scp ~/.docker/config.json root@$n:/root/.docker/config.json; done",
    planned: "credentials",
  },
  {
    id: "private-pod",
    sentence:
      'Verify by creating a pod that uses a private image: private-image-test-1, imagePullPolicy: Always, command: [ "echo", "SUCCESS" ].',
    today: "`kubectl create -f` prints `pod/private-image-test-1 created`.",
  },
  {
    id: "private-logs",
    sentence:
      "If everything is working, then, after a few moments, you should see: kubectl logs private-image-test-1 → SUCCESS.",
  },
  {
    id: "private-failed",
    sentence:
      'If it failed, then you will see: kubectl describe pods/private-image-test-1 | grep "Failed" … Failed to pull image.',
    today: '`Warning  Failed  …  kubelet  spec.containers{…}: Failed to pull image "IMG": …`',
  },
  {
    id: "all-nodes-same",
    sentence:
      "You must ensure all nodes in the cluster have the same .docker/config.json. Otherwise, pods will run on some nodes and fail to run on others.",
    planned: "credentials",
  },
  {
    id: "node-credentials-shared",
    sentence:
      "All pods will have read access to images in any private registry once private registry keys are added to the .docker/config.json.",
    planned: "credentials",
  },
  {
    id: "pre-pulled",
    sentence:
      "If the imagePullPolicy property of the container is set to IfNotPresent or Never, then a local image is used (preferentially or exclusively, respectively).",
  },
  {
    id: "pre-pulled-shared",
    sentence: "All pods will have read access to any pre-pulled images.",
    planned: "credentials",
  },
  {
    id: "secret-command",
    sentence:
      "kubectl create secret docker-registry myregistrykey --docker-server=… --docker-username=… --docker-password=… --docker-email=…",
    today: "Prints `secret/myregistrykey created`.",
  },
  {
    id: "secrets-merged",
    sentence:
      "Kubelet will merge any imagePullSecrets into a single virtual .docker/config.json when pulling images for your Pods.",
  },
  { id: "secret-namespace", sentence: "Pods can only reference image pull secrets in their own namespace." },
  {
    id: "secret-by-hand",
    sentence:
      "Set the name of the data item to .dockerconfigjson; base64 encode the docker file and paste that string, unbroken; set type to kubernetes.io/dockerconfigjson.",
  },
  {
    id: "secret-dockercfg",
    sentence: "First, create a .dockercfg, then put the resulting .dockercfg file into a secret resource.",
  },
  {
    id: "secret-no-objects",
    sentence:
      "If you get the error message error: no objects passed to create, it may mean the base64 encoded string is invalid.",
    today: "kubectl says so for an empty file; a bad base64 string is refused by the server as `illegal base64 data`.",
  },
  {
    id: "secret-invalid",
    sentence:
      'Secret "myregistrykey" is invalid: data[.dockerconfigjson]: invalid value … means the data was successfully un-base64 encoded, but could not be parsed as a .docker/config.json file.',
    today:
      '`The Secret "myregistrykey" is invalid: data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": …`',
  },
  {
    id: "secret-reference",
    sentence:
      "Now, you can create pods which reference that secret by adding an imagePullSecrets section to a pod definition.",
  },
  {
    id: "secret-service-account",
    sentence: "Setting of this field can be automated by setting the imagePullSecrets in a serviceAccount resource.",
  },
  {
    id: "secret-with-node-config",
    sentence: "You can use this in conjunction with a per-node .docker/config.json. The credentials will be merged.",
    planned: "credentials",
  },
  {
    id: "use-case-public",
    sentence: "Cluster running only non-proprietary images: use public images. No configuration required.",
  },
  {
    id: "use-case-mirror",
    sentence: "A local mirror is automatically used for improved speed and availability.",
  },
  {
    id: "use-case-hidden",
    sentence:
      "Cluster running some proprietary images which should be hidden to those outside the company, but visible to all cluster users.",
    planned: "credentials",
  },
  {
    id: "use-case-strict",
    sentence:
      "Ensure AlwaysPullImages admission controller is active. Otherwise, all Pods potentially have access to all images.",
    planned: "credentials",
  },
  {
    id: "use-case-tenants",
    sentence: "A multi-tenant cluster where each tenant needs own private registry.",
    planned: "credentials",
  },
  {
    id: "environment-filesystem",
    sentence: "A filesystem, which is a combination of an image and one or more volumes.",
  },
  {
    id: "environment-hostname",
    sentence: "The hostname of a Container is the name of the Pod in which the Container is running.",
  },
  {
    id: "environment-downward",
    sentence: "The Pod name and namespace are available as environment variables through the downward API.",
  },
  {
    id: "environment-user",
    sentence:
      "User defined environment variables from the Pod definition are also available to the Container, as are any environment variables specified statically in the Docker image.",
  },
  {
    id: "environment-services",
    sentence:
      "A list of all services that were running when a Container was created is available to that Container as environment variables (FOO_SERVICE_HOST, FOO_SERVICE_PORT).",
    planned: "container life",
  },
  {
    id: "environment-dns",
    sentence: "Services have dedicated IP addresses and are available to the Container via DNS.",
    planned: "container life",
  },
  {
    id: "hook-post-start",
    sentence:
      "PostStart executes immediately after a container is created; there is no guarantee that the hook will execute before the container ENTRYPOINT.",
    planned: "container life",
  },
  {
    id: "hook-pre-stop",
    sentence: "PreStop is called immediately before a container is terminated. It is blocking.",
    planned: "container life",
  },
  {
    id: "hook-exec",
    sentence:
      "Exec executes a specific command inside the cgroups and namespaces of the Container. Resources consumed by the command are counted against the Container.",
    planned: "container life",
  },
  {
    id: "hook-http",
    sentence: "HTTP executes an HTTP request against a specific endpoint on the Container.",
    planned: "container life",
  },
  {
    id: "hook-hangs",
    sentence: "If the hook takes too long to run or hangs, the Container cannot reach a running state.",
    planned: "container life",
  },
  {
    id: "hook-grace",
    sentence:
      "If the hook hangs during execution, the Pod phase stays in a Terminating state and is killed after terminationGracePeriodSeconds.",
    planned: "container life",
  },
  {
    id: "hook-fails",
    sentence: "If a PostStart or PreStop hook fails, it kills the Container.",
    planned: "container life",
  },
  { id: "hook-at-least-once", sentence: "Hook delivery is intended to be at least once.", planned: "container life" },
  {
    id: "hook-no-resend",
    sentence: "If an HTTP hook receiver is down and is unable to take traffic, there is no attempt to resend.",
    planned: "container life",
  },
  {
    id: "hook-events",
    sentence:
      "The logs for a Hook handler are not exposed in Pod events. If a handler fails, it broadcasts FailedPostStartHook or FailedPreStopHook.",
    planned: "container life",
  },
  {
    id: "events-columns",
    sentence: "Events show FirstSeen, LastSeen, Count, From, SubobjectPath, Type, Reason, Message.",
    today:
      "`kubectl get events -o wide` shows LAST SEEN, TYPE, REASON, OBJECT, SUBOBJECT, SOURCE, MESSAGE, FIRST SEEN, COUNT, NAME.",
  },
  {
    id: "policy-pod-level",
    sentence:
      "The imagePullPolicy can be set in the spec section of a pod's definition file, either at the pod level or at the container level.",
    today: "Only at the container level; at the pod level it is refused as an unknown field.",
  },
  {
    id: "policy-unchanged",
    sentence: "Editing a Pod's image will not trigger Kubernetes to re-evaluate the default pull policy.",
  },
  {
    id: "policy-query-pod",
    sentence:
      'kubectl get pod <pod-name> -o jsonpath=\'{range .spec.containers[*]}{.name}{"\\t"}{.imagePullPolicy}{"\\n"}{end}\'',
  },
  {
    id: "policy-query-deployment",
    sentence: "kubectl get deployment <deployment-name> -o jsonpath='{range .spec.template.spec.containers[*]}…'",
    planned: "container life",
  },
  {
    id: "policy-query-all",
    sentence:
      'kubectl get pods --all-namespaces -o jsonpath=\'{range .items[*].spec.containers[*]}{.name}{"\\t"}{.imagePullPolicy}{"\\n"}{end}\'',
  },
  {
    id: "secret-opaque",
    sentence: "Secret container-secret with data username and password, referenced by imagePullSecrets.",
    today: "An Opaque secret is not a pull secret: the kubelet ignores it.",
    planned: "credentials",
  },
  {
    id: "query-back-off",
    sentence:
      "kubectl get pods --all-namespaces --field-selector status.phase=Failed --field-selector status.reason=ImagePullBackOff",
    today:
      "The last --field-selector counts; Kubernetes has no status.reason selector, Berth matches it with the STATUS column.",
  },
  { id: "check-reference", sentence: "Verify image: check if the image reference is correct." },
  { id: "check-availability", sentence: "Check availability of the image in the specified container registry." },
  {
    id: "check-secrets",
    sentence: "Verify image pull secrets: ensure that the username/password information is accurate.",
  },
  {
    id: "check-network",
    sentence: "Check network connectivity: verify that the cluster nodes are able to reach the container registry.",
  },
  {
    id: "err-image-pull",
    sentence:
      "ErrImagePull suggests that the container image reference provided is unable to pull: kubectl describe pod <pod_name> -n <namespace>.",
  },
];
