import { imap } from './imap/index.ts'
import { managesieve } from './managesieve/index.ts'
import { pop3 } from './pop3/index.ts'
import type { Protocol } from './protocol.ts'
import { submission } from './submission/index.ts'

/** The protocols whose strangers log in. LMTP has no login: it is served by its own listener. */
export const loginProtocols: readonly Protocol[] = [imap, pop3, submission, managesieve]
