import type { Command } from "commander";

import { defineImageCheck } from "./image-check.ts";
import { defineImageDu } from "./image-du.ts";
import { defineImageHistory } from "./image-history.ts";
import { defineImageInspect } from "./image-inspect.ts";
import { defineImageLoad } from "./image-load.ts";
import { defineImageLs } from "./image-ls.ts";
import { defineImagePrune } from "./image-prune.ts";
import { defineImagePull } from "./image-pull.ts";
import { defineImagePush } from "./image-push.ts";
import { defineImageRm } from "./image-rm.ts";
import { defineImageSave } from "./image-save.ts";
import { defineImageTag } from "./image-tag.ts";

/** `berth image`. */
export function defineImage(parent: Command): void {
  const image = parent
    .command("image")
    .description("Pull, load, list, push and check the images of a node, whether it runs or not")
    .addHelpText("after", EXAMPLES);
  defineImagePull(image);
  defineImageLs(image);
  defineImageInspect(image);
  defineImageHistory(image);
  defineImageTag(image);
  defineImagePush(image);
  defineImageRm(image);
  defineImagePrune(image);
  defineImageSave(image);
  defineImageLoad(image);
  defineImageDu(image);
  defineImageCheck(image);
}

const EXAMPLES = `
Examples:
  berth image pull registry.example:5000/team/app:v3
  berth image save registry.example:5000/team/app:v3 -o app.tar.gz
  berth image load -i app.tar.gz
  docker save team/app | berth image load`;
