import type { FileSchema } from '../index/index-schema.ts'

/** Lies in the directory of `INDEXPVT`. */
export const PRIVATE_FILE = 'postern.private'

/**
 * What one user has seen of other users' mail. Mailboxes by GUID: renaming one loses nothing, and one that is made anew begins
 * anew. `status_*`: how many messages were unseen when the mailbox's files had this signature.
 */
export const PRIVATE_SCHEMA: FileSchema = {
  version: 1,
  isCache: false,
  tables: `
CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY,
  guid TEXT NOT NULL UNIQUE,
  uid_validity INTEGER NOT NULL,
  mod_seq INTEGER NOT NULL,
  status_signature TEXT,
  status_unseen INTEGER
);
CREATE TABLE seen (
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  mod_seq INTEGER NOT NULL,
  is_seen INTEGER NOT NULL,
  PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
PRAGMA user_version = 1;
`,
}
