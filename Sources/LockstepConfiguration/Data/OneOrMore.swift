import LockstepCatalog
import LockstepFiles

/// A text, or several.
struct OneOrMore: HyperparameterValue {
  let texts: [String]

  init?(hyperparameter value: JSONValue?) {
    if let text = value?.stringValue {
      texts = [text]
    } else if let texts = [String](hyperparameter: value) {
      self.texts = texts
    } else {
      return nil
    }
  }
}
