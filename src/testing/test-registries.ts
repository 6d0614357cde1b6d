import { buildBusyboxImage } from "./busybox-image.ts";
import { debianProgram } from "./debian-program.ts";
import { type DockerRegistry, startDockerRegistry } from "./docker-registry.ts";
import type { BuiltImage } from "./image-builder.ts";
import { pushImage } from "./push-image.ts";

/** Whom the private registries let in. */
export const USER = "scenario";
export const PASSWORD = "right-password-canary";
/** A password that no registry takes. */
export const WRONG_PASSWORD = "wrong-password-canary";

/** Real registries on loopback ports, each with the BusyBox image of the scenarios as `team/app:v1`; the open one also as `:latest`. */
export interface TestRegistries extends AsyncDisposable {
  /** `HOST:PORT` of the registry that anybody may read. */
  readonly publicHost: string;
  readonly publicImage: string;
  /** `HOST:PORT` of a registry that asks for `USER` and `PASSWORD`. */
  readonly privateHost: string;
  readonly privateImage: string;
  /** Another such registry. */
  readonly secondHost: string;
  readonly secondImage: string;
  /** Digest of the image's manifest. */
  readonly digest: string;
  /** Pushes an image with other configuration fields to the open registry, with a layer of random bytes; returns its reference. */
  pushVariant(repository: string, config: Readonly<Record<string, unknown>>, ballastMiB?: number): Promise<string>;
}

/** Starts the registries and pushes the image. */
export async function openTestRegistries(): Promise<TestRegistries> {
  await using stack = new AsyncDisposableStack();
  const users = { [USER]: PASSWORD };
  const open = stack.use(await startRegistry());
  const closed = stack.use(await startRegistry(users));
  const second = stack.use(await startRegistry(users));
  const image = await buildBusyboxImage();
  await pushTo(open, image, "team/app:v1");
  await pushTo(open, image, "team/app:latest");
  await pushTo(closed, image, "team/app:v1", true);
  await pushTo(second, image, "team/app:v1", true);
  const owned = stack.move();
  return {
    publicHost: open.host,
    publicImage: `${open.host}/team/app:v1`,
    privateHost: closed.host,
    privateImage: `${closed.host}/team/app:v1`,
    secondHost: second.host,
    secondImage: `${second.host}/team/app:v1`,
    digest: image.descriptor.digest,
    pushVariant: async (repository, config, ballastMiB) => {
      const variant = await buildBusyboxImage({ config, ...(ballastMiB === undefined ? {} : { ballastMiB }) });
      await pushTo(open, variant, `${repository}:v1`);
      return `${open.host}/${repository}:v1`;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function startRegistry(users: Readonly<Record<string, string>> = {}): Promise<DockerRegistry> {
  return await startDockerRegistry({ binary: debianProgram("docker-registry", "usr/bin/docker-registry"), users });
}

async function pushTo(
  { host }: DockerRegistry,
  image: BuiltImage,
  name: `${string}:${string}`,
  isPrivate = false,
): Promise<void> {
  const [repository = "", tag = ""] = name.split(":");
  const credentials = isPrivate ? { username: USER, password: PASSWORD } : {};
  await pushImage(image, { host, repository, tag, ...credentials });
}
