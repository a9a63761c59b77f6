extension Binary {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (a, b) = (inputs[0], inputs[1].broadcast(to: inputs[0].shape))
    let values = zip(a.values, b.values).map { a, b in
      switch kind {
      case .add: a + b
      case .subtract: a - b
      case .multiply: a * b
      case .divide: a / b
      }
    }
    return [HostTensor(a.shape, values)]
  }
}
