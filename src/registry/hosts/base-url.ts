/** Returns the address of an API's root without a slash at its end. Throws an `Error` where it is none that can be asked. */
export function baseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || url.hostname === "") throw new Error("a host must be an address as in https://host:port");
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new Error("a host must begin with https:// or http://");
  if (url.username !== "" || url.password !== "") {
    throw new Error("a host may not hold a user or password; give them in configs of registries.yaml");
  }
  if (url.search !== "" || url.hash !== "") throw new Error("a host may not have a query or a fragment");
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}
