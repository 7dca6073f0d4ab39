// Run by listener.test.ts with few file descriptors: greets whoever connects, prints what it is told to say, and at the
// end of its input how much processor time it used since it began to listen.
import { openListener } from '../../src/net/listener.ts'

const { port } = await openListener({
  address: '127.0.0.1',
  port: 0,
  bare: process.argv[2] === 'bare',
  onConnection: (stream) => {
    stream.write('* OK\r\n')
    stream.onEnd(() => stream.destroy())
  },
  onRefused: (text) => process.stdout.write(`${text}\n`),
})
const begun = process.cpuUsage()
process.stdout.write(`${port}\n`)
process.stdin
  .on('end', () => {
    const { user, system } = process.cpuUsage(begun)
    process.stdout.write(`cpu ${(user + system) / 1000}\n`)
    process.exit(0)
  })
  .resume()
