/**
 * Thousands of clients and backends that break off in every way, on a proxy with bare sockets. Ends with an error when one of its
 * processes died, a connection stayed open, or nobody can log in any more.
 *
 *   node test/fuzz/bare-sockets.ts [SECONDS] [SEED]
 */
import { bareStorm } from '../stress/bare-storm.ts'

const seconds = Number(process.argv[2] ?? 60)
const seed = Number(process.argv[3] ?? Date.now() % 100_000)
console.log(`seed ${seed}, ${seconds} seconds`)
const { connections, logins } = await bareStorm({ seconds, seed })
console.log(`${connections} connections, ${logins} logins: nobody died, nothing stays open`)
