// Where it is kept who shares something with whom. Drivers differ in where; keys are the same.

/** Keys are whole: `shared/shared-boxes/user/bob/alice`. Methods reject with an Error for the log. */
export interface SharedDict {
  /** Keys that begin so. */
  keys(prefix: string): Promise<readonly string[]>
  /** Keys that say what this user shares: those of SHARED_BOXES that end with his name. */
  keysFrom(user: string): Promise<readonly string[]>
  /** All of it or, where the driver can do no better, key by key. */
  change(changes: { readonly set: readonly string[]; readonly unset: readonly string[] }): Promise<void>
  close(): void
}

/** Opens the drivers that need a connection; `rest` is what follows the driver's name. */
export type OpenSharedDict = (rest: string) => SharedDict

/** `acl_shared_dict`: `file:PATH`, or a driver that is given. A string is what is wrong, in Dovecot's words. */
export function openSharedDict(uri: string, drivers: ReadonlyMap<string, OpenSharedDict>): SharedDict | string {
  const colon = uri.indexOf(':')
  if (colon < 0) return `acl: dict_init(${uri}) failed: Dictionary URI is missing ':': ${uri}`
  const driver = uri.slice(0, colon)
  const open = drivers.get(driver)
  return open === undefined
    ? `acl: dict_init(${uri}) failed: Unknown dict module: ${driver}`
    : open(uri.slice(colon + 1))
}
