import LockstepCatalog
import LockstepFiles

// Values that fit what a catalog says, for laws that hold for all of its entries.

extension HyperparameterKind {
  /// A value that is right, another one than most defaults.
  package var example: JSONValue {
    switch self {
    case .boolean: true
    case .integer(let range): .integer(min(max(3, range.lowerBound), range.upperBound))
    case .number(let range): .number(range.contains(3) ? 3 : 0.375)
    case .choice(let choices): .string(choices.last ?? "")
    case .text, .file, .files: "x"
    case .integers(let range, let count):
      .array(
        [2, 5].prefix(min(count.upperBound, 2)).map { .integer(range.contains($0) ? $0 : 0) })
    case .numbers: [1]
    case .namedNumbers: ["a": 1]
    case .texts: ["a.*"]
    case .pair: 2
    case .either(let first, _): first.example
    case .object(let form): .object(form().example())
    case .objects(let form): [.object(form().example())]
    case .members(let form): ["a": .object(form().example())]
    }
  }
}

extension Form {
  /// An object with the required keys of a variant, the first that needs no object if none is named.
  package func example(_ name: String? = nil) -> JSONObject {
    var object: JSONObject = [:]
    let simple = variants.first { variant in
      !variant.hyperparameters.contains { $0.isRequired }
    }
    let variant = name.flatMap { self.variant($0) } ?? simple ?? variants.first
    if let variant { object[choiceKey] = .string(variant.name) }
    for hyperparameter in (variant?.hyperparameters ?? []) + keys where hyperparameter.isRequired {
      // What has bounds has them in order.
      object[hyperparameter.key] = hyperparameter.key == "upper" ? 5 : hyperparameter.kind.example
    }
    if let first = exactlyOne.first, let key = keys.first(where: { $0.key == first }) {
      object[first] = key.kind.example
    }
    return object
  }
}
