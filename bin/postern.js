#!/usr/bin/env node
// Finds a Node that can run Postern, then runs the command line: the compiled one of a published package, or the
// sources of a checkout.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 15)) {
  const compiled = join(root, 'dist', 'main', 'cli.js')
  const sources = join(root, 'src', 'main', 'cli.ts')
  await import(existsSync(sources) ? sources : compiled)
} else {
  const own = join(root, 'node_modules', 'node', 'bin', 'node')
  if (!existsSync(own)) {
    console.error(
      `postern needs Node 24.15 or later (this is ${process.versions.node}). In a checkout, run "npm ci" first.`,
    )
    process.exit(78)
  }
  const child = spawn(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal))
  }
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 1)
  })
}
