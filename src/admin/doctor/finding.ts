import type { SourcePosition } from '../../config/complaint.ts'

/** Something `postern doctor` tells: an error keeps the server from starting, a warning is a risk, an info is good to know. */
export interface Finding {
  readonly severity: 'error' | 'warning' | 'info'
  readonly text: string
  readonly at?: SourcePosition
}
