import LockstepDatasets
import LockstepEngine

extension ExampleSource {
  /// Throws ``GraphError`` where examples differ in form from those that a model trains on.
  func checkForm(against training: any ExampleSource) throws(GraphError) {
    let (inputs, labels) = (training.inputFields, training.labelFields)
    let fits =
      inputFields.count == inputs.count && labelFields.count == labels.count
      && zip(fields, inputs + labels).allSatisfy { $0.hasForm(of: $1) }
    guard fits else {
      throw GraphError(
        "the model trains on '\(training.name)', \(training.form), and cannot be evaluated on "
          + "'\(name)', \(form)")
    }
  }

  /// What examples are, in words.
  fileprivate var form: String {
    let inputs = inputFields.map { field in
      field.isInteger || inputFields.count > 1 ? "\(field)" : "\(field.shape)"
    }
    let labels = labelFields.map { field in
      if let limit = field.limit, field.shape.isEmpty { return "one of \(limit) classes" }
      return field.asLabel
    }
    return "inputs of shape \(inputs.joined(separator: ", "))"
      + (labels.isEmpty ? "" : " and \(labels.joined(separator: ", "))")
  }
}

extension ExampleField {
  /// Whether values of the field can stand where another's were: of the same shape and type, and no
  /// integer that the other cannot have.
  fileprivate func hasForm(of other: ExampleField) -> Bool {
    guard name == other.name, shape == other.shape, isInteger == other.isInteger else {
      return false
    }
    guard let known = other.limit else { return true }
    return limit.map { $0 <= known } ?? false
  }
}
