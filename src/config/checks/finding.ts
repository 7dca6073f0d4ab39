import type { SourcePosition } from '../complaint.ts'

/** Something wrong with a whole configuration, and the setting to point at: by its path, or by its place. */
export interface Finding {
  readonly text: string
  readonly path?: string
  readonly at?: SourcePosition
}
