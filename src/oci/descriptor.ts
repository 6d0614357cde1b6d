import type { Digest } from "./digest.ts";
import type { JsonReader } from "./json-reader.ts";
import { type Platform, readPlatform } from "./platform.ts";

/** Names one blob: its type, digest and exact size. `urls` of the document are left out: layers come from the registry alone. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

const MAX_ANNOTATIONS = 1000;
const MAX_MEDIA_TYPE_LENGTH = 255;

/** Reads a descriptor. Throws the reader's error where a field is missing or malformed. */
export function readDescriptor(reader: JsonReader): Descriptor {
  reader.rejectCaseVariantsOf(["mediaType", "digest", "size", "platform", "annotations"]);
  const mediaType = reader.string("mediaType");
  if (mediaType.length > MAX_MEDIA_TYPE_LENGTH) throw reader.fault("has a media type that is too long");
  const platform = reader.optionalObject("platform");
  const annotations = reader.stringMap("annotations", MAX_ANNOTATIONS);
  return {
    mediaType,
    digest: reader.digest("digest"),
    size: reader.count("size"),
    ...(platform === undefined ? {} : { platform: readPlatform(platform) }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}
