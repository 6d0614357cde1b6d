/** Returns one entry of a zip file. */
export function readFromZip(zip: string, entry: string): Buffer;
