import { playFolders } from './transcripts/folders.ts'

// Proxied POP3, beside Dovecot.
playFolders('pop3')
