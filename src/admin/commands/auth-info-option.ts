import { INFO_KEYS } from '../auth-question.ts'
import type { CommandOption } from './command.ts'

/** `-x` of all auth commands. */
export const INFO_OPTION: CommandOption = {
  letter: 'x',
  value: 'auth info',
  doc: `\`key=value\` about the connection; may be given several times. Keys: ${INFO_KEYS.join(', ')}, forward_x.`,
}
