/**
 * Replaces `$(NAME)` by the value of a variable. A name without a value stays as written, and `$$` stands for one `$`, so that
 * `$$(NAME)` gives the text `$(NAME)`.
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (written, escaped: string, name: string | undefined) => {
    if (escaped === "$") return "$";
    return lookup(name ?? "") ?? written;
  });
}
