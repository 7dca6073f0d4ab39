/** Program and arguments of a service with `executable = script PROGRAM ARGUMENT...`; nothing for another one. */
export function scriptWords(executable: string): readonly string[] {
  const [program = '', ...rest] = executable.trim().split(/\s+/)
  if (program.slice(program.lastIndexOf('/') + 1) !== 'script') return []
  // `-e NAMES` lets the client set variables, `-p` passes input through: neither is needed here.
  return rest[0] === '-e' ? rest.slice(2) : rest[0] === '-p' ? rest.slice(1) : rest
}
