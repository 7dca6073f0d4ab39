/** A place in a configuration text. Lines count from 1. */
export interface SourcePosition {
  readonly file: string
  readonly line: number
}

/** Something to tell the administrator about a configuration. The text is Dovecot's where Dovecot has one. */
export interface Complaint {
  readonly severity: 'error' | 'warning' | 'info'
  readonly text: string
  readonly at?: SourcePosition
}

/** One line for a person: `FILE:LINE: TEXT`, without the place when there is none. */
export function describeComplaint(complaint: Complaint): string {
  const { at, text } = complaint
  return at === undefined ? text : `${at.file}:${at.line}: ${text}`
}
