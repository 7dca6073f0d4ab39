import { playFolders } from './transcripts/folders.ts'

// Proxied ManageSieve, beside Dovecot.
playFolders('sieve')
