/// The tangent of f(x, w) + b, f linear in each argument. A bias that moves goes along with one of
/// the applications.
func bilinear(
  _ call: Call, _ input: Tensor?, _ weight: Tensor?, _ bias: Tensor?,
  _ apply: (_ input: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor
) -> Tensor? {
  let (x, w) = (call.inputs[0], call.inputs[1])
  switch (input, weight) {
  case (nil, nil):
    return bias.map { bias in
      let spread = call.outputs[0].shape.indices.map { $0 == 1 ? bias.shape[0] : 1 }
      return bias.reshaped(to: spread).broadcast(to: call.outputs[0].shape)
    }
  case (nil, let weight?): return apply(x, weight, bias)
  case (let input?, nil): return apply(input, w, bias)
  case (let input?, let weight?): return apply(x, weight, bias) + apply(input, w, nil)
  }
}
