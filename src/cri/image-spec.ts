/** CRI's name of an image. */
export interface ImageSpec {
  /** A reference as users write it, or an image id. */
  readonly image: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The reference before the kubelet changed it. */
  readonly userSpecifiedImage?: string;
  readonly runtimeHandler?: string;
}
