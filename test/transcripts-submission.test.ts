import { playFolders } from './transcripts/folders.ts'

// Proxied Submission, beside Dovecot.
playFolders('submission')
