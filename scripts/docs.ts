/**
 * Writes the generated pages under docs/. `npm run docs` runs it.
 *
 *   node scripts/docs.ts            write them
 *   node scripts/docs.ts --check    say which ones are out of date, and fail if there is one
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { generatedPages } from './docs/pages.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values } = parseArgs({ options: { check: { type: 'boolean' } } })

for (const page of generatedPages) {
  const path = join(root, page.path)
  const text = page.print()
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  if (values.check === true) {
    console.error(`${page.path} is out of date: run \`npm run docs\``)
    process.exitCode = 1
  } else {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    console.log(`wrote ${page.path}`)
  }
}
