import type { Responder, SentState } from './dialogue.ts'

/** One way to log in: the first thing to send, and the answers to what the backend asks. */
export interface LoginMethod extends Responder {
  readonly state: Extract<SentState, 'login' | 'authenticate'>
  readonly command: string
  /** The backend's JSON about a refused token (RFC 7628 §3.2.2), once it was sent. */
  failureDetail(): Buffer | undefined
}
