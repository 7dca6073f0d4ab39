/** What an administrator asks about the rights in one user's mail. Plain data: it may cross a socket. */
export type AclTask =
  /** `onlyMatching`: entries that apply to the user. */
  | { readonly action: 'get'; readonly mailbox: string; readonly onlyMatching: boolean }
  | { readonly action: 'rights' | 'debug' | 'explain'; readonly mailbox: string }
  | AclChangeTask
  | { readonly action: 'recalc' | 'what' | 'verify' }
  | { readonly action: 'who'; readonly mailbox: string; readonly people: readonly AclPerson[] }
  | {
      readonly action: 'diff'
      readonly mode: AclChangeTask['mode']
      readonly mailbox: string
      readonly id: string
      readonly words: readonly string[]
      readonly people: readonly AclPerson[]
    }

export interface AclChangeTask {
  readonly action: 'change'
  readonly mode: 'set' | 'add' | 'remove' | 'delete'
  readonly mailbox: string
  /** As in files: `user=joe`. */
  readonly id: string
  /** Long names of rights. */
  readonly words: readonly string[]
  /** RFC 3339 date or time, or `never`. */
  readonly until?: string
  /** The mailboxes below it too. */
  readonly recursive: boolean
  /** Only tells what would change. */
  readonly dryRun: boolean
}

/** Somebody whose rights are asked for. */
export interface AclPerson {
  readonly user: string
  readonly groups: readonly string[]
}
