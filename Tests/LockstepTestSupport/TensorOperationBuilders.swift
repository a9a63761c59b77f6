import LockstepEngine
import LockstepFiles

/// How an operation of `tensor-operations.safetensors` is applied; nil for an unknown one.
func tensorOperation(
  _ operation: String, _ attributes: JSONObject
) -> (@Sendable (Graph, [Tensor]) -> [Tensor])? {
  let shape = attributes.integers("shape") ?? []
  let axes = attributes.integers("axes") ?? []
  let keep = attributes.flag("keepDimensions")
  let axis = attributes.integer("axis") ?? 0
  let index = attributes.integer("index") ?? 0
  let value = attributes.float("value") ?? 0
  switch operation {
  case "log_softmax": return { _, x in [x[0].logSoftmax(axis: axis)] }
  case "maximum": return { _, x in [x[0].maximum(axes, keepDimensions: keep)] }
  case "minimum": return { _, x in [x[0].minimum(axes, keepDimensions: keep)] }
  case "pair_maximum": return { _, x in [Tensor.maximum(x[0], x[1])] }
  case "pair_minimum": return { _, x in [Tensor.minimum(x[0], x[1])] }
  case "masked": return { _, x in [x[0].masked(by: x[1], fillingWith: value)] }
  case "masked_log_softmax":
    return { _, x in
      [x[0].masked(by: x[1], fillingWith: value).logSoftmax().masked(by: x[1], fillingWith: 0)]
    }
  case "constant":
    let values = (attributes.integers("sixteenths") ?? []).map { Float($0) / 16 }
    return { graph, x in [x[0] * graph.constant(values, shape)] }
  case "select": return { _, x in [x[0].selected(index, axis: axis)] }
  case "stack": return { _, x in [Tensor.stacked(x, axis: axis)] }
  case "singular_vectors":
    return { _, x in
      let found = x[0].singularVectors(from: x[1])
      return [found.left, found.right]
    }
  case "power":
    let exponent = attributes.float("exponent") ?? 1
    return { _, x in [x[0].power(exponent)] }
  case "sine": return { _, x in [x[0].sine()] }
  case "cosine": return { _, x in [x[0].cosine()] }
  case "adaptive_avg_pool2d": return { _, x in [x[0].adaptiveAveragePooled(to: shape)] }
  default: return nil
  }
}
