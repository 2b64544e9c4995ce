export { type CheckedStep, type CheckTransformerOptions, checkTransformer } from './transformer/check-transformer.js'
