import { isIP } from "node:net";

/**
 * Returns the part of a host name that one owner registered, `example.co.uk` of `harbor.example.co.uk`; undefined for an
 * address, a single label, or a name that is a public suffix itself. Errs on the side of more: what is not known to be
 * one owner's is not taken for it.
 */
export function registrableDomain(host: string): string | undefined {
  const labels = host.toLowerCase().replace(/\.$/, "").split(".");
  if (isIP(host) !== 0 || labels.length < 2 || labels.includes("")) return undefined;
  const length = suffixLength(labels) + 1;
  return labels.length < length ? undefined : labels.slice(-length).join(".");
}

/** Labels of the public suffix at the end of a name. */
function suffixLength(labels: readonly string[]): number {
  for (let length = Math.min(labels.length, 4); length > 1; length--) {
    const candidate = labels.slice(-length).join(".");
    const parent = labels.slice(1 - length).join(".");
    if (SHARED_SUFFIXES.has(candidate) || SHARED_SUFFIXES.has(`*.${parent}`)) return length;
  }
  const [second = "", top = ""] = labels.slice(-2);
  return top.length === 2 && (GENERIC_SECOND_LEVELS.has(second) || second.length <= 2) ? 2 : 1;
}

/** Below two-letter country domains these are for anybody (`co.uk`, `com.au`); so are second levels of one or two letters. */
const GENERIC_SECOND_LEVELS: ReadonlySet<string> = words(`
  ac asso biz co com edu ed firm gen go gob gouv gov govt gr gv id ind inf info int k12 ltd me med mil mod muni
  name ne net nhs nom nic or org plc police pro pvt res sch school store tm web
`);

/** Names below which a vendor gives its customers names of their own: neighbours there are strangers. */
const SHARED_SUFFIXES: ReadonlySet<string> = words(`
  amazonaws.com amazonaws.com.cn *.amazonaws.com *.amazonaws.com.cn compute.amazonaws.com *.elb.amazonaws.com
  *.compute.amazonaws.com *.on.aws on.aws awsapprunner.com *.awsapprunner.com cloudfront.net
  elasticbeanstalk.com *.elasticbeanstalk.com azurecr.io azurecr.cn azurecr.us azure-api.net azurewebsites.net
  azurefd.net azureedge.net azurestaticapps.net *.azurestaticapps.net azurecontainerapps.io
  *.azurecontainerapps.io cloudapp.net cloudapp.azure.com *.cloudapp.azure.com blob.core.windows.net
  *.core.windows.net trafficmanager.net *.azmk8s.io azmk8s.io appspot.com *.appspot.com run.app *.run.app
  a.run.app *.a.run.app web.app firebaseapp.com cloudfunctions.net pkg.dev gcr.io googleapis.com
  googleusercontent.com *.cloud.goog cloud.goog withgoogle.com github.io githubusercontent.com *.github.dev
  github.dev gitlab.io bitbucket.io pages.dev workers.dev r2.dev trycloudflare.com cloudflare.net vercel.app
  netlify.app now.sh herokuapp.com fly.dev onrender.com railway.app up.railway.app deno.dev glitch.me repl.co
  replit.app replit.dev *.replit.dev ngrok.io *.ngrok.io ngrok.app ngrok.dev ngrok-free.app ngrok-free.dev
  localtunnel.me loca.lt serveo.net ts.net *.ts.net digitaloceanspaces.com *.digitaloceanspaces.com
  ondigitalocean.app k8s.ondigitalocean.com linodeobjects.com *.linodeobjects.com nodebalancer.linode.com
  *.nodebalancer.linode.com aliyuncs.com *.aliyuncs.com myqcloud.com *.myqcloud.com tencentcloudcr.com
  myhuaweicloud.com *.myhuaweicloud.com scw.cloud *.scw.cloud ovh.net *.ovh.net hosting.ovh.net
  icr.io appdomain.cloud *.appdomain.cloud mybluemix.net oraclecloud.com ocir.io *.ocir.io jfrog.io
  cloudsmith.io repositories.cloud container-registry.com lab.cloud openshiftapps.com *.openshiftapps.com
  rhcloud.com dyndns.org duckdns.org no-ip.org ddns.net hopto.org nip.io sslip.io xip.io eu.org us.com uk.com
  de.com eu.com jpn.com br.com cn.com sa.com za.com gb.net uk.net se.net in.net co.com it.com svc.cluster.local
  *.svc.cluster.local cluster.local
`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ""));
}
