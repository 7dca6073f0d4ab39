// Runs `npm ci` when node_modules is missing or older than the lockfile, so that `npm start` and `npm test` work on a
// fresh clone. Plain JavaScript for any Node: it runs before the project's own Node is there.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

function modified(path) {
  try {
    return statSync(join(root, path)).mtimeMs
  } catch {
    return undefined
  }
}

const installed = modified('node_modules/.package-lock.json')
const wanted = modified('package-lock.json')
if (installed === undefined || modified('node_modules/.bin/node') === undefined || installed < wanted) {
  console.log('Installing dependencies (npm ci) ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit' })
  if (result.status !== 0) process.exit(result.status ?? 1)
}
