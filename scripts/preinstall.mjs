// `npm install` at the root would leave the members of the workspace uninstalled: say what to run in its place.
const client = process.env.npm_config_user_agent?.split('/')[0] ?? ''

if (client !== 'pnpm') {
  console.error(
    [
      `This is a pnpm workspace; ${client || 'this client'} would leave its packages uninstalled.`,
      'Nothing has to be installed beforehand: `npm test`, `npm run demo` and every other script install what they need.',
      'To install only: node scripts/bootstrap.mjs',
    ].join('\n'),
  )
  process.exit(1)
}
