import { EVERY_WORKER_FLAGS } from '../engine.ts'

/**
 * For the command line of mail workers. Where every user owns his mail there are as many as users at work, most of them with
 * little to do: their space for young objects begins small (15 MB less each) and grows under load, at no loss.
 */
export const MAIL_WORKER_FLAGS: readonly string[] = [...EVERY_WORKER_FLAGS, ...process.execArgv]
