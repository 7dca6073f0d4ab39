// Run by listener.test.ts: two cluster workers share a listener on a port of the kernel's choice. Each says its pid to
// whoever connects; the parent prints the ports that the workers report.
import cluster from 'node:cluster'
import { openListener } from '../../src/net/listener.ts'

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_NONE
  for (let i = 0; i < 2; i++) {
    cluster.fork().on('message', (port) => process.stdout.write(`${JSON.stringify(port)}\n`))
  }
  process.stdin.on('end', () => process.exit(0)).resume()
} else {
  const { port } = await openListener({
    address: '127.0.0.1',
    port: 0,
    bare: process.argv[2] === 'bare',
    onConnection: (stream) => {
      stream.write(`${process.pid}\r\n`)
      void stream.close()
    },
    onRefused: (text) => process.stderr.write(`${text}\n`),
  })
  process.send?.(port)
}
