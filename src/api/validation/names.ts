/** Each function returns what is wrong with a text, in Kubernetes' words; an empty list means nothing. */
export type Faults = readonly string[];

/** RFC 1123 label: `a-z0-9-`, up to 63 characters. */
export function dnsLabelFaults(value: string): Faults {
  return [...lengthFaults(value, 63), ...patternFaults(value, DNS_LABEL, DNS_LABEL_TEXT)];
}

/** RFC 1123 subdomain: labels joined by dots, up to 253 characters. */
export function dnsSubdomainFaults(value: string): Faults {
  return [...lengthFaults(value, 253), ...patternFaults(value, DNS_SUBDOMAIN, DNS_SUBDOMAIN_TEXT)];
}

/** RFC 1035 label: as RFC 1123, but starting with a letter. */
export function dns1035LabelFaults(value: string): Faults {
  return [...lengthFaults(value, 63), ...patternFaults(value, DNS_1035_LABEL, DNS_1035_LABEL_TEXT)];
}

/** Key of a label or annotation: a name, with a subdomain and `/` before it or not. */
export function labelKeyFaults(value: string): Faults {
  const parts = value.split("/");
  const name = parts.at(-1) ?? "";
  if (parts.length > 2) return [QUALIFIED_NAME_PARTS_TEXT];
  const prefix = parts.length === 2 ? prefixFaults(parts[0] ?? "") : [];
  if (name === "") return [...prefix, "name part must be non-empty", namePart(QUALIFIED_NAME_TEXT)];
  const length = name.length > 63 ? ["name part must be no more than 63 bytes"] : [];
  return [...prefix, ...length, ...(QUALIFIED_NAME.test(name) ? [] : [namePart(QUALIFIED_NAME_TEXT)])];
}

/** Value of a label: empty, or up to 63 characters. */
export function labelValueFaults(value: string): Faults {
  if (value === "") return [];
  return [...lengthFaults(value, 63), ...patternFaults(value, QUALIFIED_NAME, LABEL_VALUE_TEXT)];
}

/** Key of a ConfigMap or Secret: a file name. */
export function configMapKeyFaults(value: string): Faults {
  const faults = [...lengthFaults(value, 253), ...patternFaults(value, CONFIG_MAP_KEY, CONFIG_MAP_KEY_TEXT)];
  return [...faults, ...pathWordFaults(value)];
}

/** Name of an environment variable: printable ASCII without `=`. */
export function envVarNameFaults(value: string): Faults {
  if (value === "") return ["environment variable name must be non-empty"];
  return ENV_VAR_NAME.test(value) ? [] : [ENV_VAR_NAME_TEXT];
}

/** Name of a port: up to 15 characters, with a letter. */
export function portNameFaults(value: string): Faults {
  const faults: string[] = [];
  if (Buffer.byteLength(value) > 15) faults.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]+$/.test(value))
    faults.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) faults.push("must contain at least one letter (a-z)");
  if (value.includes("--")) faults.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) faults.push("must not begin or end with a hyphen");
  return faults;
}

/** Number of a port. */
export function portNumberFaults(value: number): Faults {
  return value >= 1 && value <= 65_535 ? [] : ["must be between 1 and 65535, inclusive"];
}

function pathWordFaults(value: string): Faults {
  if (value === ".") return [`must not be '.'`];
  if (value === "..") return [`must not be '..'`];
  return value.startsWith("..") ? [`must not start with '..'`] : [];
}

function prefixFaults(prefix: string): Faults {
  if (prefix === "") return ["prefix part must be non-empty"];
  return dnsSubdomainFaults(prefix).map((fault) => `prefix part ${fault}`);
}

function namePart(text: string): string {
  return `name part ${text}`;
}

function lengthFaults(value: string, max: number): Faults {
  return Buffer.byteLength(value) > max ? [`must be no more than ${max} bytes`] : [];
}

function patternFaults(value: string, pattern: RegExp, text: string): Faults {
  return pattern.test(value) ? [] : [text];
}

// No quantifier below can match the same text in two ways, so matching is linear.
const LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
const DNS_LABEL = new RegExp(`^${LABEL}$`);
const DNS_LABEL_TEXT = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`;
const DNS_SUBDOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const DNS_SUBDOMAIN_TEXT = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;
const DNS_1035_LABEL = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/;
const DNS_1035_LABEL_TEXT = `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`;
const QUALIFIED_NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const QUALIFIED_NAME_TEXT = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`;
const QUALIFIED_NAME_PARTS_TEXT = `a qualified name ${QUALIFIED_NAME_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
const LABEL_VALUE_TEXT = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`;
const CONFIG_MAP_KEY = /^[-._a-zA-Z0-9]+$/;
const CONFIG_MAP_KEY_TEXT = `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`;
const ENV_VAR_NAME = /^[ -<>-~]+$/;
const ENV_VAR_NAME_TEXT = `a valid environment variable name must consist only of printable ASCII characters other than '='`;
