/** What a PAM worker is asked. */
export interface PamQuestion {
  readonly service: string
  /** Where the services' files are, instead of /etc/pam.d. */
  readonly confdir: string | null
  readonly user: string
  /** In base64. */
  readonly password: string
  readonly remoteIp: string
  readonly setcred: boolean
  readonly session: boolean
}

/** What it says: the step that failed, or none and the user's name as PAM knows it now. */
export interface PamAnswer {
  readonly step: string
  /** Of pam(3); -1: libpam could not be asked. */
  readonly code: number
  readonly text: string
  readonly user?: string
}
