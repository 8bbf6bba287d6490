/** What a form tells its fields, and they it. */
export interface FormContext {
  /** True once saving was tried: from then on every fault is shown. */
  readonly tried: boolean;
  /** A field's fault; "" for none. Returns how to forget it. */
  fault(field: string, sentence: string): () => void;
}

export const FORM = Symbol('form');

/** What a field gives its input, so that label, fault and hint are tied to it. */
export interface Attrs {
  id: string;
  'aria-invalid': true | undefined;
  'aria-describedby': string | undefined;
  'aria-required': true | undefined;
}
