import { bareCommand } from '../server/command.ts'
import { SessionOver } from '../server/bad-command.ts'
import { IdleNews } from '../server/idle-news.ts'
import { lineBytes } from '../server/run-command.ts'

/** IDLE: news are told as they come. RFC 2177. */
export const idle = bareCommand({
  name: 'IDLE',
  needs: 'authenticated',
  async run(session) {
    const began = performance.now()
    session.out.text('+ idling\r\n')
    session.out.flush()
    const news = new IdleNews(session)
    session.waiting = true
    try {
      const line = await session.stream.readLine(lineBytes(session))
      if (session.interrupted) session.checkAlive()
      if (line === undefined) {
        const secs = ((performance.now() - began) / 1000).toFixed(3)
        throw new SessionOver(`Connection closed (IDLE running for ${secs} secs)`)
      }
      if (line.toUpperCase() !== 'DONE') return { text: 'BAD Expected DONE', sync: NEWS }
    } finally {
      session.waiting = false
      await news.stop()
    }
    return { text: 'OK Idle completed', sync: NEWS }
  },
})

const NEWS = { expunge: true, safe: true }
