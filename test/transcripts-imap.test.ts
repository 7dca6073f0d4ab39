import { playFolders } from './transcripts/folders.ts'

// Proxied IMAP, beside Dovecot.
playFolders('imap')
