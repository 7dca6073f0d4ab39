import { deflateStream } from '../../../net/deflate-stream.ts'
import { BadCommand } from '../server/bad-command.ts'
import { command } from '../server/command.ts'

/** COMPRESS: everything behind the reply is compressed, both ways. RFC 4978. */
export const compress = command<string>({
  name: 'COMPRESS',
  needs: 'authenticated',
  plugin: 'imap_zlib',
  parse(args) {
    const mechanism = args.atom()
    if (mechanism === undefined) throw new BadCommand('Invalid arguments')
    return mechanism.toUpperCase()
  },
  run(session, mechanism) {
    if (session.compressed) return { text: 'NO [COMPRESSIONACTIVE] COMPRESSION=DEFLATE already enabled' }
    if (mechanism !== 'DEFLATE') return { text: 'NO Unknown compression mechanism' }
    return { text: 'OK Begin compression', after: () => session.wrapStream(deflateStream(session.stream)) }
  },
})
