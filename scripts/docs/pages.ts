import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { printDoveadmManual } from '../../src/admin/manual.ts'
import { printSettingsReference } from '../../src/config/print-docs.ts'
import { printChecklist } from './checklist/print-checklist.ts'
import { withFieldsTable } from './checklist/print-fields.ts'
import { readTaggedTests } from './checklist/test-tags.ts'

const root = join(import.meta.dirname, '..', '..')

/** A page, or a part of one, that is made from the sources. */
export interface GeneratedPage {
  /** Relative to the repository. */
  readonly path: string
  print(): string
}

/** Every generated page; `node scripts/docs.ts` writes them, test/docs.test.ts holds them up to date. */
export const generatedPages: readonly GeneratedPage[] = [
  { path: 'docs/reference/doveadm.md', print: printDoveadmManual },
  { path: 'docs/reference/checklist.md', print: () => printChecklist(readTaggedTests(root)) },
  { path: 'docs/reference/settings.md', print: printSettingsReference },
  {
    path: 'README.md',
    print: () => withFieldsTable(readFileSync(join(root, 'README.md'), 'utf8'), readTaggedTests(root)),
  },
]
