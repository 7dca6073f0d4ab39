import type { CopiedUids } from '../../../storage/store.ts'
import { writeSequenceSet } from '../wire/sequence-set.ts'
import type { Reply } from './command.ts'

/** The end of a COPY or MOVE when messages are gone: the client learns which. RFC 5530 §3. */
export const COPY_GONE: Reply = {
  text: 'NO [EXPUNGEISSUED] Some of the requested messages no longer exist',
  sync: { expunge: true },
}

/** resp-code-copy. RFC 4315 §4. */
export function copyUid({ uidValidity, source, target }: CopiedUids): string {
  return `COPYUID ${uidValidity} ${writeSequenceSet(source)} ${writeSequenceSet(target)}`
}
