/** What variables made of a text; or what is wrong with one, and where in the text. */
export type Substituted = { readonly text: string } | { readonly at: number; readonly problem: string }

/** `$${` stands for `${`; a name, and behind `:-` what stands in for a variable that is not set, or empty. */
const variable = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g

// biome-ignore lint/suspicious/noTemplateCurlyInString: what is to be written is a variable of the file
const noVariable = 'this is no variable; write ${NAME} or ${NAME:-default}, and $${ for a plain ${'

/** Puts the variables of the environment into a text: `${NAME}` and `${NAME:-default}`. */
export function substituteVariables(text: string, env: Readonly<Record<string, string | undefined>>): Substituted {
  let failed: Substituted | undefined
  const substituted = text.replace(
    variable,
    (found, name: string | undefined, fallback: string | undefined, at: number) => {
      if (found === '$${') return '${'
      if (name === undefined) {
        failed ??= { at, problem: noVariable }
        return ''
      }
      const value = env[name]
      if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
      if (value === undefined) {
        failed ??= {
          at,
          problem: `the variable ${name} is not set; set it, or say what stands in for it: \${${name}:-default}`,
        }
      }
      return value ?? ''
    },
  )
  return failed ?? { text: substituted }
}
