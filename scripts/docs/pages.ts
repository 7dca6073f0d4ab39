import { printDoveadmManual } from '../../src/admin/manual.ts'
import { printSettingsReference } from '../../src/config/print-docs.ts'

/** A page under docs/ that is made from the sources. */
export interface GeneratedPage {
  /** Relative to the repository. */
  readonly path: string
  print(): string
}

/** Every generated page; `node scripts/docs.ts` writes them, test/docs.test.ts holds them up to date. */
export const generatedPages: readonly GeneratedPage[] = [
  { path: 'docs/reference/doveadm.md', print: printDoveadmManual },
  { path: 'docs/reference/settings.md', print: printSettingsReference },
]
