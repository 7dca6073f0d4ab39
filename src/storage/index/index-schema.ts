/** What an SQLite file beside the mail holds. */
export interface FileSchema {
  /** Goes up with every change of the tables. */
  readonly version: number
  readonly tables: string
  /** What is in it can be found out again: a file of another version is emptied. Without it that file is left alone. */
  readonly isCache: boolean
}

/** Goes up with every change of the tables; a file of another version is thrown away. */
export const INDEX_VERSION = 1

/** One file holds all mailboxes under one mail root. docs/decisions/0003-one-index-file-per-user.md says why. */
export const INDEX_TABLES = `
CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY,
  guid TEXT NOT NULL UNIQUE,
  uid_validity INTEGER NOT NULL,
  uid_next INTEGER NOT NULL,
  mod_seq INTEGER NOT NULL,
  recent_from INTEGER NOT NULL,
  complete_after INTEGER NOT NULL
);
CREATE TABLE message (
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  mod_seq INTEGER NOT NULL,
  flags TEXT NOT NULL,
  PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE TABLE expunged (
  mailbox INTEGER NOT NULL,
  mod_seq INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  PRIMARY KEY (mailbox, mod_seq, uid)
) WITHOUT ROWID;
CREATE TABLE summary (
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  key TEXT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (mailbox, uid)
);
CREATE TABLE status (
  name TEXT PRIMARY KEY,
  signature TEXT NOT NULL,
  data TEXT NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = ${INDEX_VERSION};
`

export const INDEX_SCHEMA: FileSchema = { version: INDEX_VERSION, tables: INDEX_TABLES, isCache: true }
