/** What a configuration may read. The real implementation is handed in; tests hand in a Map of texts. */
export interface ConfigFiles {
  /** The file's bytes. Throws an error with a Node `code` (`ENOENT`, `EACCES`, ...) when it cannot be read. */
  read(path: string): Buffer | string
  /** Existing paths that match a shell pattern with braces, each brace alternative sorted by itself. */
  glob(pattern: string): readonly string[]
  /** Whether the system knows this user. Left out: every user is taken to exist. */
  userExists?(name: string): boolean
  /** The addresses of a host name, first one first; empty when it has none. Left out: no name resolves. */
  resolveHost?(name: string): readonly string[]
}
