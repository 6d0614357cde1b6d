import { isIP } from "node:net";

/**
 * Returns the part of a host name that one owner registered, `example.co.uk` of `harbor.example.co.uk`; undefined for an
 * address, a single label, or a name that is a public suffix itself. Errs on the side of more: what is not known to be
 * one owner's is not taken for it.
 */
export function registrableDomain(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  if (isIP(name) !== 0 || labels.length < 2 || labels.includes("") || SHARED_DOMAINS.has(name)) return undefined;
  // Of what lies below a vendor's domain nobody outside can tell how far one customer's reach goes.
  if (labels.some((_, index) => SHARED_DOMAINS.has(labels.slice(index).join(".")))) return name;
  const length = suffixLength(labels) + 1;
  return labels.length < length ? undefined : labels.slice(-length).join(".");
}

/** Labels of the public suffix at the end of a name. */
function suffixLength(labels: readonly string[]): number {
  const [second = "", top = ""] = labels.slice(-2);
  return top.length === 2 && (GENERIC_SECOND_LEVELS.has(second) || second.length <= 2) ? 2 : 1;
}

/** Below two-letter country domains these are for anybody (`co.uk`, `com.au`); so are second levels of one or two letters. */
const GENERIC_SECOND_LEVELS: ReadonlySet<string> = words(`
  asso biz com edu firm gen gob gouv gov govt ind inf info int k12 ltd med mil mod muni name net nhs nom nic org plc
  police pro pvt res sch school store web
`);

/** Domains below which a vendor gives its customers names of their own: neighbours there are strangers. */
const SHARED_DOMAINS: ReadonlySet<string> = words(`
  amazonaws.com amazonaws.com.cn on.aws awsapprunner.com cloudfront.net elasticbeanstalk.com
  azurecr.io azurecr.cn azurecr.us azure-api.net azurewebsites.net azurefd.net azureedge.net azurestaticapps.net
  azurecontainerapps.io cloudapp.net cloudapp.azure.com core.windows.net trafficmanager.net azmk8s.io
  appspot.com run.app web.app firebaseapp.com cloudfunctions.net pkg.dev gcr.io googleapis.com googleusercontent.com
  cloud.goog github.io githubusercontent.com github.dev gitlab.io bitbucket.io pages.dev workers.dev r2.dev
  trycloudflare.com cloudflare.net vercel.app netlify.app now.sh herokuapp.com fly.dev onrender.com railway.app
  deno.dev glitch.me repl.co replit.app replit.dev ngrok.io ngrok.app ngrok.dev ngrok-free.app ngrok-free.dev
  localtunnel.me loca.lt serveo.net ts.net digitaloceanspaces.com ondigitalocean.app linodeobjects.com linode.com
  aliyuncs.com myqcloud.com tencentcloudcr.com myhuaweicloud.com scw.cloud ovh.net icr.io appdomain.cloud
  mybluemix.net oraclecloud.com ocir.io jfrog.io cloudsmith.io container-registry.com openshiftapps.com rhcloud.com
  dyndns.org duckdns.org no-ip.org ddns.net hopto.org nip.io sslip.io xip.io eu.org us.com uk.com de.com eu.com
  jpn.com br.com cn.com sa.com za.com gb.net uk.net se.net in.net co.com it.com cluster.local
`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ""));
}
