/// Parts of a model under names that are no names of Swift properties, or below a name that is no property.
struct NamedParts: CustomReflectable {
  let parts: KeyValuePairs<String, Any>

  init(_ parts: KeyValuePairs<String, Any>) { self.parts = parts }

  var customMirror: Mirror { Mirror(self, children: parts, displayStyle: .struct) }
}
