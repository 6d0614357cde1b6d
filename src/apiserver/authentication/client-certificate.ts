import type { Authenticator } from "./authenticate.ts";

/** Knows users by their client certificate: the common name is the user, the organizations are its groups. */
export const authenticateClientCertificate: Authenticator = ({ client }) => {
  const { certificate } = client;
  if (certificate === undefined || certificate.commonName === "") return Promise.resolve(undefined);
  return Promise.resolve({ name: certificate.commonName, groups: certificate.organizations });
};
