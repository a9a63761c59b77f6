import LockstepEngine

extension DataDescription {
  /// What a model takes of an example, the longest where lengths differ.
  package var inputFields: [ExampleField] {
    let name = ExampleField.inputName
    func lengths(_ longest: Int) -> ExampleField {
      ExampleField(SequenceLengths.inputName, [], .int32(limit: longest + 1))
    }
    switch input {
    case .columns(let table):
      return (table.width == 0 ? [] : [ExampleField(name, inputShape)])
        + table.embedded.map { ExampleField($0.inputName, [], .int32(limit: $0.count)) }
    case .array: return [ExampleField(name, inputShape)]
    case .tokens(let tokens):
      return [ExampleField(name, inputShape, .int32(limit: tokens.vocabulary))]
    case .series(let series):
      let field = ExampleField(name, inputShape)
      return series.varies && series.forecast == nil
        ? [field, lengths(series.lengths.last ?? 1)] : [field]
    case .texts(let texts):
      return [
        ExampleField(name, inputShape, .int32(limit: texts.vocabulary.size)),
        lengths(texts.lengths.longest),
      ]
    }
  }
}
